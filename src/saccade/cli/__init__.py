"""The command line: verbs first, then what each verb needs."""
