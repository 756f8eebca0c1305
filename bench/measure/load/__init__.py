"""A served model under load: a closed loop finds its capacity, then open levels offer requests at set rates.

Latency counts from the intended moment of sending, so that a server that falls behind, or a client that waits for it,
hides nothing. What fails counts as infinitely late.
"""
