"""An invented municipality and its year, for demonstrations, tests and load.

Everything is drawn from a seed: the same seed gives the same bytes. Names begin with "Opdigtet" (invented), every
`source` with `invented/`.
"""
