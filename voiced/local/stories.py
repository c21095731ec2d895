"""Two stories: something to listen to, and something long enough to interrupt.

Law of this file: text, written for this project; the long one takes about a minute to tell.
"""

from typing import Final

SHORT: Final = (
    "A lighthouse keeper had a lamp that was afraid of the dark. "
    "Every evening he lit it and said: look, where you are, there is none. "
    "The lamp looked, and it was so. "
    "It has shone calmly ever since, and the ships think it is brave."
)

LONG: Final = (
    "There was once a clock in a village square that was always seven minutes late. "
    "The baker set his oven by it, the children ran to school by it, and the bus driver waited "
    "for it to strike. "
    "So the whole village was seven minutes late, and nobody noticed, because they were late "
    "together. "
    "Only the swallows kept their own time, and they told nobody, because nobody had asked. "
    "One spring a clockmaker came through the valley. "
    "She climbed the tower, listened to the wheels, and found a feather between two of them. "
    "A swallow had left it there, many years ago. "
    "She could have pulled it out. "
    "But through the little window she saw the baker lean on his door to look at the sky, and the "
    "children stop to count the ducks. "
    "These people had seven minutes that belonged to no one, and they had filled them with small, "
    "good things. "
    "The clockmaker oiled the wheels around the feather and climbed down again. "
    "What was wrong with it, asked the mayor. "
    "Nothing at all, she said, it is the kindest clock I have ever met. "
    "And as she had missed her bus, by exactly seven minutes, she sat down at the fountain and "
    "counted the ducks."
)
