"""What mail systems and automatic answers say, by language: tables, and how a phrase in them is written."""
