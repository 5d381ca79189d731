//! Procedural macros of Ketline.
