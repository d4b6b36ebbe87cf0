//! Generations in flight: who lives, who is born, who is done.
