"""What serves other programs: the Model Context Protocol, the OpenAI API."""
