"""costlake measured beside other engines; `benches/bench` runs it."""
