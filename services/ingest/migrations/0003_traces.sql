-- The trace of a parked fact, which goes on when it is released; null where nothing was traced.
ALTER TABLE fact ADD COLUMN trace text;
