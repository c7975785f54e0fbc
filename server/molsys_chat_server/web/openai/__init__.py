"""The same answers for programs that speak OpenAI's chat protocol.

That protocol cannot take anything back. An answer is therefore sent when it is checked as a whole;
a stream is kept open meanwhile.
"""
