"""The cook's phrases, lower case and without punctuation, as automatic captions have them."""

from __future__ import annotations

# The -ing and the past form of each verb.
FORMS = {
    "chop": ("chopping", "chopped"),
    "stir": ("stirring", "stirred"),
    "pour": ("pouring", "poured"),
    "flip": ("flipping", "flipped"),
    "knead": ("kneading", "kneaded"),
    "whisk": ("whisking", "whisked"),
    "peel": ("peeling", "peeled"),
    "grate": ("grating", "grated"),
    "sprinkle": ("sprinkling", "sprinkled"),
    "spread": ("spreading", "spread"),
    "fry": ("frying", "fried"),
    "bake": ("baking", "baked"),
}

STEP_PHRASES = (
    "now let me show you how to {verb} the {noun}",
    "let me show you how to {verb} the {noun}",
    "go ahead and {verb} the {noun}",
    "we are going to {verb} the {noun}",
    "i am going to {verb} the {noun}",
    "you want to {verb} the {noun}",
    "the next thing is to {verb} the {noun}",
    "all you have to do is {verb} the {noun}",
    "it is time to {verb} the {noun}",
    "we need to {verb} the {noun}",
    "this is how i {verb} the {noun}",
    "i like to {verb} the {noun}",
    "watch me {verb} the {noun}",
    "just {verb} the {noun}",
    "take your {noun} and {verb} the {noun}",
    "we start to {verb} the {noun}",
    "here i am {ing} the {noun}",
    "we keep {ing} the {noun}",
    "we have now {past} the {noun}",
)

OPENERS = ("now", "okay so", "alright", "so", "and then", "after that", "next", "okay", "once you are ready", "and now")

TAILS = (
    "nice and slow",
    "until it looks just right",
    "and take your time with this part",
    "just like my grandmother used to do",
    "for a minute or two",
    "do not worry if it is not perfect",
    "it is really very easy",
    "be gentle here",
    "and keep going until you are happy",
    "this is my favorite part",
    "see how simple that is",
    "make sure you get every bit of it",
    "as evenly as you can",
    "you can see exactly what i mean",
    "a little at a time",
    "with a steady hand",
    "try not to rush it",
    "and look at that",
    "that is what gives it so much flavor",
    "you will get better with practice",
    "the kids always love to help with this",
    "if you have never done it before",
    "and it will turn out beautiful",
    "over and over again",
)

GREETINGS = (
    "hello everyone",
    "hi friends",
    "welcome back",
    "good morning everybody",
    "hey there",
    "hello and welcome",
    "let us get started",
)

FILLERS = (
    "welcome back to my kitchen",
    "smells amazing already",
    "i could eat this every single day",
    "my family asks for this all the time",
    "we are nearly there",
    "thank you so much for all your comments",
    "it does not have to be fancy",
    "this recipe came from my neighbor",
    "oh that sounds wonderful",
    "let me just move this out of the way",
    "and do not forget to subscribe",
    "everything you need is in the description below",
    "trust me on this one",
    "i have been doing this for twenty years",
    "you would pay a lot for this in a restaurant",
    "how good does that look",
    "i am getting hungry",
    "sorry about the noise outside",
    "you probably have all of this at home",
    "leave a comment and tell me what you think",
    "it is a cold day so this is perfect",
    "do you see that color",
    "where did i put my towel",
    "we will come back to that later",
    "the whole house smells like summer",
    "that is the secret",
    "my husband says hello by the way",
    "give it a thumbs up if you are enjoying this",
    "great",
    "perfect",
)

GOODBYES = (
    "and we are done",
    "see you next time",
    "bye bye",
    "thanks for watching",
    "enjoy",
    "and that is it",
)
