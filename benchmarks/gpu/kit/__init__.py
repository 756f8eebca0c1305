"""The GPU kit: everything that bench promises of a GPU, proved in one go on a machine that has one and no network.

`python -m benchmarks.gpu.kit collect` prepares it here, `run` runs it there, `dry` runs its logic on a CPU.
"""
