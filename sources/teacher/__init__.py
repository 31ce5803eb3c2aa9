"""Text from a model: requests and answers, the journal that pays for each only once, and the client.

A generator makes `Request`s (`request`), hands them to a `Teacher` (`client`) over a `Journal` (`journal`), and reads
`Answer`s in the order of its requests. What an answer must satisfy, and what becomes of one that does not, is the
generator's affair; so are prompts. Settings of the run file's `teacher:` are in `settings`.
"""
