//! A value that walks to its target instead of jumping.
//!
//! For decode-class values that a listener would hear jump. The walk is a straight line of a fixed number of steps, so
//! its end is exact and its steepest slope known. What a step is (a sample, a window) the caller decides.

/// A value on its way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Glide {
    now: f32,
    target: f32,
    stride: f32,
    left: u32,
}

impl Glide {
    /// Stands at `value`.
    #[must_use]
    pub const fn at(value: f32) -> Self {
        Self { now: value, target: value, stride: 0.0, left: 0 }
    }

    /// Sets out for `target`, to arrive after `steps` steps; at once with none. From wherever it is now.
    pub fn towards(&mut self, target: f32, steps: u32) {
        self.target = target;
        self.left = steps;
        if steps == 0 {
            self.now = target;
        } else {
            self.stride = (target - self.now) / steps as f32;
        }
    }

    /// Takes one step and answers where it is.
    pub fn step(&mut self) -> f32 {
        if self.left > 0 {
            self.left -= 1;
            // The last step lands exactly: rounding on the way must not leave a value beside its target for ever.
            self.now = if self.left == 0 { self.target } else { self.now + self.stride };
        }
        self.now
    }

    /// Where it is.
    #[must_use]
    pub const fn now(&self) -> f32 {
        self.now
    }

    /// Whether it has arrived.
    #[must_use]
    pub const fn arrived(&self) -> bool {
        self.left == 0
    }
}

#[cfg(test)]
mod tests {
    use super::Glide;

    #[test]
    fn a_glide_arrives_exactly_and_on_time() {
        let mut glide = Glide::at(0.1);
        glide.towards(0.7, 3);
        glide.step();
        glide.step();
        assert!(!glide.arrived());
        assert_eq!(glide.step(), 0.7);
        assert!(glide.arrived());
        assert_eq!(glide.step(), 0.7);
    }

    #[test]
    fn a_new_target_on_the_way_is_reached_from_where_the_value_is() {
        let mut glide = Glide::at(0.0);
        glide.towards(1.0, 4);
        glide.step();
        glide.step();
        glide.towards(0.0, 2);
        assert_eq!((glide.step(), glide.step()), (0.25, 0.0));
    }

    #[test]
    fn no_steps_is_a_jump() {
        let mut glide = Glide::at(0.0);
        glide.towards(1.0, 0);
        assert_eq!((glide.now(), glide.arrived()), (1.0, true));
    }
}
