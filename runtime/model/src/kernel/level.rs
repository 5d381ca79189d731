//! Instructions of the processor, and functions compiled once for each level of them.

#[cfg(target_arch = "x86_64")]
use std::sync::OnceLock;

/// Bytes of a line of the cache.
pub(crate) const LINE: usize = 64;

/// Which vector instructions the processor has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Level {
    /// Its name, as `KETLINE_MAX_ISA` takes it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "avx512",
        }
    }
}

/// The name of the matrix unit, as `KETLINE_MAX_ISA` takes it.
pub(crate) const AMX: &str = "amx";

/// Names of instructions, from those that every processor has up.
#[cfg(target_arch = "x86_64")]
const INSTRUCTIONS: [&str; 4] = [Level::Portable.name(), Level::Avx2.name(), Level::Avx512.name(), AMX];

/// Whether the environment leaves instructions in use: `KETLINE_MAX_ISA` names the last ones that it does. All are without it, and
/// with a name that there is not.
#[cfg(target_arch = "x86_64")]
pub(crate) fn is_allowed(name: &str) -> bool {
    static MOST: OnceLock<usize> = OnceLock::new();
    let place = |name: &str| INSTRUCTIONS.iter().position(|known| *known == name);
    let most = MOST.get_or_init(|| {
        let Ok(wanted) = std::env::var("KETLINE_MAX_ISA") else { return INSTRUCTIONS.len() };
        place(&wanted).unwrap_or_else(|| {
            tracing::warn!("KETLINE_MAX_ISA: found {wanted:?}, expected one of {INSTRUCTIONS:?}");
            INSTRUCTIONS.len()
        })
    });
    place(name).is_some_and(|place| place <= *most)
}

/// The level of this processor, found once.
pub(crate) fn level() -> Level {
    #[cfg(target_arch = "x86_64")]
    {
        static LEVEL: OnceLock<Level> = OnceLock::new();
        *LEVEL.get_or_init(|| {
            let wide = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vl");
            if wide && is_allowed(Level::Avx512.name()) {
                Level::Avx512
            } else if is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("fma")
                && is_allowed(Level::Avx2.name())
            {
                Level::Avx2
            } else {
                Level::Portable
            }
        })
    }
    #[cfg(not(target_arch = "x86_64"))]
    Level::Portable
}

/// Compiles a function for every level and calls the one for this processor. A constant that it is generic over is inferred from
/// an argument, and stands last, after a semicolon.
macro_rules! vectorised {
    ($(#[$meta:meta])* $vis:vis fn $name:ident $(<$($generic:ident : $bound:path),+ $(; const $number:ident)?>)? (
        $($argument:ident : $type:ty),* $(,)?
    ) $(-> $result:ty)? $body:block) => {
        $(#[$meta])*
        #[allow(unsafe_code, clippy::too_many_arguments)]
        $vis fn $name $(<$($generic: $bound),+ $(, const $number: usize)?>)? ($($argument: $type),*) $(-> $result)? {
            #[inline(always)]
            #[allow(clippy::inline_always, clippy::too_many_arguments)]
            fn body $(<$($generic: $bound),+ $(, const $number: usize)?>)? ($($argument: $type),*) $(-> $result)? $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")]
                #[allow(clippy::too_many_arguments)]
                fn avx512 $(<$($generic: $bound),+ $(, const $number: usize)?>)? ($($argument: $type),*) $(-> $result)? {
                    body($($argument),*)
                }
                #[target_feature(enable = "avx2,fma")]
                #[allow(clippy::too_many_arguments)]
                fn avx2 $(<$($generic: $bound),+ $(, const $number: usize)?>)? ($($argument: $type),*) $(-> $result)? {
                    body($($argument),*)
                }
                match $crate::kernel::level::level() {
                    // SAFETY: the processor has these instructions.
                    $crate::kernel::level::Level::Avx512 => return unsafe { avx512($($argument),*) },
                    // SAFETY: as above.
                    $crate::kernel::level::Level::Avx2 => return unsafe { avx2($($argument),*) },
                    $crate::kernel::level::Level::Portable => {}
                }
            }
            body($($argument),*)
        }
    };
}
pub(crate) use vectorised;
