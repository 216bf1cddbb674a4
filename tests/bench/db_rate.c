// SPDX-License-Identifier: Apache-2.0
/* Statements or transactions per second through common/db: db_rate read|write OUTSTANDING SECONDS,
 * on the database of CARNET_TEST_DB with four connections. Prints one number. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock/clock.h"
#include "common/db/db.h"

static struct loop *loop;
static struct db *db;
static bool writes, enough;
static long done, underway;

static const struct db_sql read_one = {"b_read", "select 1"};
static const struct db_sql make = {
	"b_make", "create table if not exists public.b (id bigserial primary key, v bigint)"};
static const struct db_sql write_one = {"b_write", "insert into public.b (v) values ($1)"};

static void next(void);

static void ended(unused struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, unused void *arg)
{
	bug_if(f != NULL);
	done++;
	underway--;
	if (!enough)
		next();
	else if (underway == 0)
		loop_stop(loop);
}

static void begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, unused void *arg)
{
	bug_if(f != NULL);
	db_int(db_add(t, &write_one), 1);
	db_commit(t, ended, NULL);
}

static void next(void)
{
	underway++;
	if (writes)
		db_begin(db, begun, NULL);
	else
		db_query(db, &read_one, NULL, ended, NULL);
}

static void made(unused struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, unused void *arg)
{
	bug_if(f != NULL);
	loop_stop(loop);
}

static void stop(unused void *arg)
{
	enough = true;
}

int main(int argc, char **argv)
{
	if (argc != 4 || getenv("CARNET_TEST_DB") == NULL)
		return 64;
	writes = strcmp(argv[1], "write") == 0;
	loop = loop_new();
	db = db_open(loop, getenv("CARNET_TEST_DB"), 4);
	db_query(db, &make, NULL, made, NULL);
	loop_run(loop);
	timer_set(timer_new(loop, stop, NULL), strtoul(argv[3], NULL, 10) * 1000, 0);
	uint64_t start = clock_mono_ns();
	for (long i = strtol(argv[2], NULL, 10); i > 0; i--)
		next();
	loop_run(loop);
	(void)printf("%.0f\n", (double)done * 1e9 / (double)(clock_mono_ns() - start));
	return 0;
}
