//! Whether there is a matrix unit, and how it is set up.

use std::arch::asm;
use std::arch::x86_64::{__cpuid, __cpuid_count};
use std::sync::OnceLock;

use super::super::level::{AMX, Level, is_allowed, level};

/// Asks the kernel to let this process use a part of the processor's state (`asm/prctl.h`).
const REQUEST_STATE: libc::c_ulong = 0x1023;
/// The state of tile registers.
const TILE_DATA: libc::c_ulong = 18;

/// Whether the processor has tile registers that multiply bf16, and the system lets this process use them.
pub(crate) fn has_amx() -> bool {
    static HAS: OnceLock<bool> = OnceLock::new();
    *HAS.get_or_init(|| {
        if level() != Level::Avx512 || !is_allowed(AMX) || __cpuid(0).eax < 7 {
            return false;
        }
        let features = __cpuid_count(7, 0).edx;
        let (bf16, tiles) = (features >> 22 & 1, features >> 24 & 1);
        // SAFETY: the call changes no memory; it fails where there are no such registers or they are not granted.
        bf16 == 1
            && tiles == 1
            && unsafe { libc::syscall(libc::SYS_arch_prctl, REQUEST_STATE, TILE_DATA) } == 0
    })
}

/// Tiles of 16 rows of 64 bytes, which the registers of this thread are until this is dropped.
pub(crate) struct Tiles(());

/// What `ldtilecfg` reads.
#[repr(C, align(64))]
struct Configuration {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

static SQUARE: Configuration = {
    let mut tiles =
        Configuration { palette: 1, start_row: 0, reserved: [0; 14], row_bytes: [0; 16], rows: [0; 16] };
    let mut k = 0;
    while k < 8 {
        (tiles.row_bytes[k], tiles.rows[k]) = (64, 16);
        k += 1;
    }
    tiles
};

impl Tiles {
    /// # Safety
    /// [`has_amx`].
    pub(crate) unsafe fn configure() -> Self {
        // SAFETY: as the caller promises.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const SQUARE, options(nostack, readonly)) };
        Self(())
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        // SAFETY: there are tiles, since they were configured. A thread that keeps them is slower to switch to.
        unsafe { asm!("tilerelease", options(nostack, nomem)) };
    }
}
