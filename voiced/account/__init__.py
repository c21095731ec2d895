"""What the service is used for, what that costs, and how much of it there may be.

Law of this room: pure arithmetic on whole numbers. Dates and times are arguments, prices are the
owner's: nobody here knows any.
"""
