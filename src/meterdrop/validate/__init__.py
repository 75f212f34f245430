"""Is it right? The feed's declared checks, our named rules, and checks against facts from the store."""
