// SPDX-License-Identifier: Apache-2.0
/* carnet-migrate CONNINFO DIR: brings the database to the newest version. Blocking, once per
 * installation or upgrade; safe to run several times and at the same time. */
#include <stdio.h>

#include "common/db/db.h"

int main(int argc, char **argv)
{
	struct fault f = FAULT_INIT;

	if (argc != 3) {
		(void)fprintf(stderr, "usage: carnet-migrate CONNINFO DIRECTORY\n");
		return 64;
	}
	int version = db_migrate(argv[1], argv[2], &f);
	if (version < 0) {
		(void)fprintf(stderr, "carnet-migrate: %s\n", f.detail);
		return 69;
	}
	(void)printf("the database is at version %04d\n", version);
	return 0;
}
