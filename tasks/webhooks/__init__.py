"""Webhooks: what happens to a customer's clusters, sent to the customer's own servers (https://www.standardwebhooks.com).

A change and what is to be told of it are one transaction (`outbox`). Workers send it (`delivery`) until it is taken
or given up; messages to them are hints, the rows say what is due.
"""
