// SPDX-License-Identifier: Apache-2.0
/* Forward-only migrations. Blocking: for carnet-migrate and tests, never on a loop. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/crypto/crypto.h"
#include "common/db/internal.h"

#define FILE_MAX ((off_t)4 * 1024 * 1024)
#define LOCK_KEY "7164821093" /* pg_advisory_lock: one migration of a database at a time */

static int pg_fault(PGconn *pg, const char *what, struct fault *reterr)
{
	(void)fault_why(reterr, CN_INTERNAL_ERROR, "database", "%s: %s", what, PQerrorMessage(pg));
	reterr->detail[strcspn(reterr->detail, "\n")] = '\0';
	return -1;
}

static int run(PGconn *pg, const char *what, const char *sql, struct fault *reterr)
{
	PGresult *r = PQexec(pg, sql);
	ExecStatusType status = PQresultStatus(r);

	PQclear(r);
	if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
		return 0;
	return pg_fault(pg, what, reterr);
}

/* "0012_name.sql" → 12, else -1. */
static int version_of(const char *name)
{
	size_t n = strlen(name);

	if (n < 10 || strcmp(name + n - 4, ".sql") != 0 || name[4] != '_')
		return -1;
	int version = 0;
	for (int i = 0; i < 4; i++) {
		if (name[i] < '0' || name[i] > '9')
			return -1;
		version = version * 10 + name[i] - '0';
	}
	return version;
}

static int is_migration(const struct dirent *e)
{
	return version_of(e->d_name) > 0;
}

static int read_file(const char *dir, const char *name, struct buf *out, struct fault *reterr)
{
	char path[4096];
	char piece[16384];
	struct stat st;
	ssize_t n = -1;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size <= FILE_MAX)
		while ((n = read(fd, piece, sizeof(piece))) > 0)
			buf_add(out, piece, (size_t)n);
	if (fd >= 0)
		(void)close(fd);
	if (n != 0 || out->err || strlen(buf_str(out)) != out->n)
		return fault_set(reterr, CN_INTERNAL_ERROR, "cannot read %s", path);
	return 0;
}

/* 1 applied as it is, 0 not applied, -1 applied with another content. */
static int applied(PGconn *pg, const char *name, const char *sum, struct fault *reterr)
{
	const char *values[] = {name};
	PGresult *r = PQexecParams(pg,
		"select name, sha256 from public.carnet_migration"
		" where version = substr($1, 1, 4)::int",
		1, NULL, values, NULL, NULL, 0);
	int found = PQntuples(r);
	int rc = found;

	if (PQresultStatus(r) != PGRES_TUPLES_OK)
		rc = pg_fault(pg, name, reterr);
	else if (found == 1 && strcmp(PQgetvalue(r, 0, 0), name) != 0)
		rc = fault_why(reterr, CN_INTERNAL_ERROR, "migration_changed",
			"%s has the number of %s, which was applied", name, PQgetvalue(r, 0, 0));
	else if (found == 1 && strcmp(PQgetvalue(r, 0, 1), sum) != 0)
		rc = fault_why(reterr, CN_INTERNAL_ERROR, "migration_changed",
			"%s changed after it was applied", name);
	PQclear(r);
	return rc;
}

static int record(PGconn *pg, const char *name, const char *sum, struct fault *reterr)
{
	const char *values[] = {name, sum};
	PGresult *r = PQexecParams(pg,
		"insert into public.carnet_migration(version, name, sha256)"
		" values (substr($1, 1, 4)::int, $1, $2)",
		2, NULL, values, NULL, NULL, 0);
	int rc = PQresultStatus(r) == PGRES_COMMAND_OK ? 0 : pg_fault(pg, name, reterr);

	PQclear(r);
	return rc;
}

static int apply(
	PGconn *pg, const char *name, const char *sql, const char *sum, struct fault *reterr)
{
	struct fault ignored;

	if (run(pg, name, "begin", reterr) == 0 && run(pg, name, sql, reterr) == 0 &&
		record(pg, name, sum, reterr) == 0 && run(pg, name, "commit", reterr) == 0)
		return 0;
	(void)run(pg, name, "rollback", &ignored);
	return -1;
}

static int migrate_file(PGconn *pg, const char *dir, const char *name, struct fault *reterr)
{
	struct buf text = BUF_INIT;
	uint8_t digest[SHA256_LEN];
	char sum[2 * SHA256_LEN + 1];
	int rc = read_file(dir, name, &text, reterr);

	if (rc == 0) {
		sha256(buf_span(&text), digest);
		hex_encode((struct span){digest, sizeof(digest)}, sum);
		rc = applied(pg, name, sum, reterr);
	}
	if (rc == 0)
		rc = apply(pg, name, buf_str(&text), sum, reterr);
	buf_fini(&text);
	return rc < 0 ? -1 : version_of(name);
}

static int migrate_all(PGconn *pg, const char *dir, struct fault *reterr)
{
	struct dirent **files = NULL;
	int n = scandir(dir, &files, is_migration, alphasort);
	int version = n > 0 ? 0 : fault_set(reterr, CN_INTERNAL_ERROR, "no migrations in %s", dir);

	for (int i = 0; i < n; i++) {
		if (i > 0 && version_of(files[i]->d_name) == version)
			version = fault_set(reterr, CN_INTERNAL_ERROR,
				"two migrations have the number of %s", files[i]->d_name);
		if (version >= 0)
			version = migrate_file(pg, dir, files[i]->d_name, reterr);
	}
	for (int i = 0; i < n; i++)
		free(files[i]);
	free(files);
	return version;
}

static void no_notice(unused void *arg, unused const PGresult *r)
{
}

int db_migrate(const char *conninfo, const char *dir, struct fault *reterr)
{
	static const char table[] =
		"create table if not exists public.carnet_migration (version int primary key,"
		" name text not null unique, sha256 text not null,"
		" applied_at timestamptz not null default clock_timestamp())";
	PGconn *pg = PQconnectdb(conninfo);
	int version = -1;

	(void)PQsetNoticeReceiver(pg, no_notice, NULL);
	if (PQstatus(pg) != CONNECTION_OK)
		(void)pg_fault(pg, "connect", reterr);
	else if (run(pg, "lock", "select pg_advisory_lock(" LOCK_KEY ")", reterr) == 0 &&
		 run(pg, "carnet_migration", table, reterr) == 0)
		version = migrate_all(pg, dir, reterr);
	PQfinish(pg);
	return version;
}
