"""How is each target judged, settled and stored? One module a target; `judge` drives them all."""
