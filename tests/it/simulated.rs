//! The real program on simulated fleets: while they change and fail, and after; whatever happens, what is answered in the
//! end is what the objects say.

mod changes;
mod clients;
mod clock;
mod discovery;
mod disk;
mod events;
mod killed;
mod lists;
mod network;
mod past;
mod restarts;
mod watches;
mod world;
mod writes;
