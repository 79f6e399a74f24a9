"""The dialect of Bedrock's Converse."""
