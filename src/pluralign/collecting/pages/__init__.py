"""Pages of a study, rendered by the server; every one works without JavaScript.

A page is a function of a `Visit`. Its template calls ``say("...")`` for each text, so that
`pluralign.languages.messages` finds it.
"""
