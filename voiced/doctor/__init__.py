"""The doctor: checks of everything that a conversation needs, one after the other, each with a verdict, a cause and an action.

Belongs here: what is checked, in which order, and how what was seen is judged. Whatever touches the machine stays in `edges`.
"""
