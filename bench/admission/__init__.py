"""Admission: what every loaded candidate passes before a number of it counts.

Files, weights and tokenizer are checked while they are loaded (`bench.candidates.loading`). Here the loaded model is
held against the library's plain pass on the task's own inputs (`reference`), its vocabulary against these inputs
(`vocabulary`), and every answer against what can be (`values`).
"""
