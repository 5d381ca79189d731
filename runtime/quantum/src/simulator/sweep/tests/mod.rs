mod engine;
mod primitive;
