//! Every Rust block of the guide is a documentation test of this crate.

macro_rules! chapters {
    ($($chapter:ident),* $(,)?) => {$(
        #[doc = include_str!(concat!(env!("OUT_DIR"), "/", stringify!($chapter), ".md"))]
        pub mod $chapter {}
    )*};
}

chapters!(hello, robust_state);
