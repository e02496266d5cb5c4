#!/bin/sh
# Runs once, when the database's volume is new: the service gets a role that owns its own database and is no superuser.
# A program that reads strangers' messages should not be able to run others on the database's host.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\set password `cat "$SERVICE_PASSWORD_FILE"`
-- createrole: migrations make the roles that people read with
create role borough login createrole password :'password';
-- not from template1: TimescaleDB's workers may be at it, and then it cannot be copied
create database borough owner borough encoding 'UTF8' template template0;
\connect borough
create extension if not exists timescaledb;
SQL
