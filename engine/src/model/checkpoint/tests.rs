//! Goal: broken checkpoints are refused by name; sound ones give their numbers.
