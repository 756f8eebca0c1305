"""What an executor with several machines needs, whatever engine connects them: which machine a block of work has, which
machines are alike, what travels to them, and the part of bench that works on each.

It knows no engine. `bench.running.executors.ray` is the one that uses it.
"""
