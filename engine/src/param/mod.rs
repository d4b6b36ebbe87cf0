//! Everything a player can change, as one table.
