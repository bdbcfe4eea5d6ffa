"""The words of simulated people: everyday questions, and ways to show a trait in a reply.

Every phrase is one sentence and occurs once in the bank, so a text can be read back into the traits
it shows. The two poles of a trait are both things a reasonable person may like, and are about
equally long.
"""

PROMPTS: dict[str, tuple[str, ...]] = {
    "work": (
        "My manager keeps giving me tasks outside my job. What should I do?",
        "I was offered a post in another town. Should I take it?",
        "A colleague takes the credit for what I do. How should I respond?",
        "I have to work late most evenings. How can I change that?",
    ),
    "family": (
        "My brother and I have not spoken for a year. How do we begin again?",
        "My daughter wants to leave school early. What should I tell her?",
        "My parents need more help at home. How can I arrange it?",
        "We argue about who does the housework. What can we try?",
    ),
    "health": (
        "I sleep badly and wake up tired. What might help?",
        "I would like to eat better but never manage it. Where do I start?",
        "My back hurts after a day at the desk. What can I do?",
        "I want to give up smoking this year. How should I go about it?",
    ),
    "neighbours": (
        "The people upstairs play loud music at night. What should I do?",
        "A neighbour asks to borrow my tools every week. How do I answer?",
        "Our street wants to hold a summer party. How do we plan it?",
        "Somebody keeps parking in front of my gate. How do I stop it?",
    ),
    "money": (
        "I can save a little each month. What should I do with it?",
        "A friend has asked me for a loan. Should I say yes?",
        "Our heating bill has doubled. How can we bring it down?",
        "I lost my wallet and rent is due. What comes first?",
    ),
    "friends": (
        "My best friend has moved away. How do we stay close?",
        "A friend always arrives late. Should I mention it?",
        "I am new in town and know nobody. How do I meet people?",
        "I forgot a close friend's birthday. How do I make up for it?",
    ),
    "learning": (
        "I would like to learn a language at fifty. Is it too late?",
        "My son finds mathematics hard. How can I help him?",
        "I failed an important exam. What now?",
        "I want to learn to play an instrument. Which way is best?",
    ),
    "home": (
        "The roof leaks whenever it rains. Should I mend it myself?",
        "We have one spare room. How should we use it?",
        "Our garden is overgrown. Where do we begin?",
        "I am moving house next month. How do I prepare?",
    ),
}

# Trait -> phrases that show it, and phrases that show the opposite; replies keep this order.
PHRASES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "formal": (
        (
            "Thank you for your enquiry, to which I respond with pleasure.",
            "Please permit me to offer the following considerations.",
            "I would respectfully submit the following recommendation.",
            "With due respect, allow me to set out my advice.",
            "I am honoured to be consulted on this question.",
        ),
        (
            "Hey, good question, let's sort this out together.",
            "Okay, so here's what I'd do in your shoes.",
            "Right, grab a chair and let's chat about it.",
            "Sure thing, let's have a quick look at it.",
            "Oh yeah, I've got some thoughts on this one.",
        ),
    ),
    "warm": (
        (
            "I am so sorry you are going through this.",
            "That sounds hard, and I am glad you asked.",
            "Be kind to yourself, for you are doing well.",
            "My heart goes out to you, and you are not alone.",
            "I care how you feel, so please take comfort.",
        ),
        (
            "Feelings aside, let us look at the facts.",
            "I will leave emotions out and stay with the facts.",
            "This is a practical matter, so treat it as one.",
            "Set your feelings to one side and look at it coolly.",
            "How you feel about it does not change the problem.",
        ),
    ),
    "brief": (
        (
            "I will keep this short and to the main point.",
            "In a few words, here is the whole answer.",
            "The short answer is quite enough here.",
            "No long speech is needed, only the main point.",
            "One or two brief remarks will do.",
        ),
        (
            "Let me explain this in full detail, step by step.",
            "I will go through every aspect of it at length.",
            "This deserves a long and thorough explanation.",
            "Here is the complete background with all its details.",
            "There is a great deal to say, so bear with me.",
        ),
    ),
    "direct": (
        (
            "To be blunt, say plainly what you want.",
            "Tell them openly and without any detour.",
            "Speak your mind and do not soften the message.",
            "Say it to their face in clear words.",
            "Name the problem frankly, whoever is listening.",
        ),
        (
            "Perhaps a gentle hint would be wiser than plain words.",
            "You might let the matter come up indirectly.",
            "Suggest it softly, so that nobody loses face.",
            "A tactful remark in passing may be enough.",
            "Leave it half unsaid, and they will understand.",
        ),
    ),
    "family": (
        (
            "Talk it over with your family before you decide.",
            "Put the needs of your relatives first.",
            "Ask your parents and elders what they think.",
            "Whatever you choose, let it keep the family close.",
            "Your family's wishes should carry the most weight.",
        ),
        (
            "This is your own decision, whatever your relatives may say.",
            "You do not need your family's approval for this.",
            "Follow your own path, even if your parents disagree.",
            "Put your own needs before those of your relatives.",
            "Decide alone, as an independent person.",
        ),
    ),
    "faith": (
        (
            "Pray about it and trust that you will be guided.",
            "Seek the counsel of a religious teacher you respect.",
            "Let your faith show you the way.",
            "Remember what your religion teaches about patience.",
            "Give thanks to God and ask for a blessing.",
        ),
        (
            "Rely on reason here rather than on religious teaching.",
            "Look for scientific evidence rather than for signs.",
            "Careful thinking will settle this better than prayer.",
            "Keep religion out of it and weigh the evidence.",
            "Trust what has been tested, not what is believed.",
        ),
    ),
    "nature": (
        (
            "Spend some time outdoors among trees and birds.",
            "Choose what does the least harm to land and water.",
            "Think of the forests and the animals as well.",
            "Protecting the environment should guide your choice.",
            "Fresh air and green fields will do you good.",
        ),
        (
            "Choose what is modern and convenient, not what is greenest.",
            "Do not let worries about the environment hold you back.",
            "Stay indoors and use the comforts of technology.",
            "City life and good machines will serve you best.",
            "A new gadget will help more than any green field.",
        ),
    ),
    "money": (
        (
            "Think first about what it will earn you.",
            "Choose the option that pays the most.",
            "Keep the profit in mind at every step.",
            "A higher income should be your main concern.",
            "Compare the costs and go where the money is.",
        ),
        (
            "Money should be the last thing on your mind.",
            "Do not choose for the sake of pay.",
            "Wealth matters very little in such things.",
            "A smaller income is a fair price for contentment.",
            "Forget about profit and ask what is worth doing.",
        ),
    ),
    "caution": (
        (
            "Check the risks first and take no chances.",
            "Go slowly and keep a safe plan in reserve.",
            "Better safe than sorry, so ask for guarantees.",
            "Think about what could go wrong before you act.",
            "Wait until you are sure that it is safe.",
        ),
        (
            "Be bold and take the risk.",
            "Act now, since fortune favours the brave.",
            "Do not worry about what could go wrong.",
            "Take the leap and learn as you go.",
            "Try something daring, even without a safety net.",
        ),
    ),
    "humour": (
        (
            "If all else fails, you will have a funny story.",
            "A good joke will do half of the work.",
            "Laugh about it, since even my kettle has worse days.",
            "Try not to giggle, although I certainly would.",
            "At worst it will make a splendid comedy.",
        ),
        (
            "This is a serious matter and no occasion for jokes.",
            "Please do not make light of it.",
            "Keep an earnest tone from beginning to end.",
            "There is nothing to laugh about here.",
            "Treat it with the gravity that it deserves.",
        ),
    ),
}

# Sentences that show no trait; they make replies differ in length.
FILLERS: tuple[str, ...] = (
    "Many people ask about this.",
    "It is a question that comes up often.",
    "There is more than one way to see it.",
    "This is how it looks from here.",
    "Circumstances differ from one case to another, of course.",
    "Much will depend on the details, which only you can know.",
    "That is what came to mind when I read your question.",
    "Other answers are possible, and you may find one of your own in time.",
)

TRAITS: tuple[str, ...] = tuple(PHRASES)
"""Traits that simulated responses have and planted tastes weigh."""
