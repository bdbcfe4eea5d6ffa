"""Words of the simulated people, and names of their communities."""

NAMES = {
    "~river": {"en": "River", "es": "El río", "ar": "النهر", "hi": "नदी"},
    "~hill": {"en": "Hill", "es": "La colina", "ar": "التل", "hi": "पहाड़ी"},
    "~isle": {"en": "Isle", "es": "La isla", "ar": "الجزيرة", "hi": "द्वीप"},
}
"""Community -> its name in each language."""

REASONS = (
    "This is how my grandmother would have answered.",
    "The other one sounds cold.",
    "It does not waste words.",
    "In our village nobody would put it like that.",
    "It takes the question seriously.",
)

WRITTEN = (
    ("~hill", "prompt", "My neighbour's goats eat my beans. How do I raise it with him?"),
    ("~river", "prompt", "How do I refuse a second plate without hurting my host?"),
    ("~hill", "story", "When my father was ill, the whole street took turns to cook for us."),
    ("~river", "response", "Write to her first. A letter gives both of you time."),
    ("~isle", "prompt", "Call me on 555 0134 if you want cheap phones!"),
    ("~river", "prompt", "Is it rude to ask what a wedding cost?"),
)
"""Community, kind and words of texts; the last one is shown, the others wait for a steward."""

ABOUT = {"languages": "English, and the language of the valley", "work": "I keep bees."}
REPORT_OF_A_TEXT = "Weddings are private, this is nobody's business."
REPORT_OF_A_SHARED_TEXT = "This answer makes fun of people who pray."
