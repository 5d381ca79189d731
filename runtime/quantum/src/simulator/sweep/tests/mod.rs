mod back;
mod engine;
mod primitive;
