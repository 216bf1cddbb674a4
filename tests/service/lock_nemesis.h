// SPDX-License-Identifier: Apache-2.0
/* What happens to the lock service while it is used: instances are killed -9 and started again, or
 * stopped past a lease and continued; connections are cut, those of the clients and those to the
 * database; the database is killed. */
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include "tests/service/lock_actors.h"

enum { INSTANCES = 3, DATABASE_EACH_MS = 8000, PUT_BACK_MS = 2500 };

static struct {
	uint64_t until[INSTANCES]; /* is healed then; 0 = is well */
	bool stopped[INSTANCES];
	unsigned kills, stops, cuts, ended, databases;
} nemesis;

static void revive(size_t k)
{
	size_t n = client.n;

	client.n = k;
	(void)scheduler_start_one(lock_settings);
	client.n = n;
}

static void hurt(size_t k)
{
	nemesis.stopped[k] = once_in(2);
	nemesis.until[k] = clock_mono_ms() + 100 + pick(PUT_BACK_MS);
	if (nemesis.stopped[k]) {
		(void)kill(client.pids[k], SIGSTOP);
		nemesis.stops++;
	} else {
		scheduler_kill(k);
		nemesis.kills++;
	}
}

static void heal(size_t k)
{
	if (nemesis.until[k] == 0)
		return;
	if (nemesis.stopped[k])
		(void)kill(client.pids[k], SIGCONT);
	else
		revive(k);
	nemesis.until[k] = 0;
}

/* The connections from here to the instances, each with one chance in two. */
static void cut_connections(void)
{
	for (int fd = 3; fd < 256; fd++) {
		struct sockaddr_un to = {.sun_family = 0};
		socklen_t n = sizeof(to);
		if (getpeername(fd, (struct sockaddr *)&to, &n) < 0 || to.sun_family != AF_UNIX ||
			strncmp(to.sun_path, client.dir, strlen(client.dir)) != 0 || once_in(2))
			continue;
		(void)shutdown(fd, SHUT_RDWR);
		nemesis.cuts++;
	}
}

static void cut_database(void)
{
	nemesis.ended += (unsigned)atoi(sql("select count(pg_terminate_backend(pid)) from "
					    "pg_stat_activity where usename = 'carnet_lock' and "
					    "random() < 0.5"));
}

static void restart_database(void)
{
	char command[400];

	(void)snprintf(command, sizeof(command),
		"bash -c '. tests/lib/pg.sh; pg_kill %s; pg_restart %s' >/dev/null 2>&1",
		getenv("CARNET_TEST_PG"), getenv("CARNET_TEST_PG"));
	ok(system(command) == 0, "the database is killed and comes back");
	nemesis.databases++;
}

static void strike(void)
{
	size_t k = pick(INSTANCES);
	unsigned what = pick(10);

	if (what < 6 && nemesis.until[k] == 0)
		hurt(k);
	else if (what < 8)
		cut_connections();
	else
		cut_database();
}

static void rage(uint64_t ms)
{
	uint64_t begin = clock_mono_ms(), next = begin;

	for (uint64_t now = begin; now < begin + ms; now = clock_mono_ms()) {
		for (size_t k = 0; k < INSTANCES; k++)
			if (nemesis.until[k] > 0 && now >= nemesis.until[k])
				heal(k);
		if (now - begin > nemesis.databases * DATABASE_EACH_MS + DATABASE_EACH_MS / 2)
			restart_database();
		if (now >= next) {
			strike();
			next = now + 200 + pick(500);
		}
		if (once_in(6))
			stampede();
		pause_ms(20);
	}
	for (size_t k = 0; k < INSTANCES; k++)
		heal(k);
	printf("# %u kills, %u stops, %u connections cut, %u of the service's to its database, "
	       "%u kills of the database\n",
		nemesis.kills, nemesis.stops, nemesis.cuts, nemesis.ended, nemesis.databases);
}
