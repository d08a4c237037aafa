"""How networks are trained: losses, optimisers, schedules, one step, the loop, and the learner that binds them."""
