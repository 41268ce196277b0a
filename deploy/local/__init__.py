"""The stack on one machine: Apache Kafka, PostgreSQL and the services as processes of this user, in one folder."""
