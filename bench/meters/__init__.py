"""Reading instruments: clocks, energy, memory, the state of CPUs and GPUs, and what else happens on the machine."""
