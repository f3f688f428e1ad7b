package flowtest

import "time"

// SetPatience is for tests of what fails.
func SetPatience(d time.Duration) { patience = d }
