// SPDX-License-Identifier: Apache-2.0
/* Makes C from schemas/: what is said, stored and set. A host tool, run by make.
 *
 *     schemagen SCHEMAS OUTDIR          all generated files; refuses what breaks REGISTRY
 *     schemagen --registry SCHEMAS      writes SCHEMAS/messages/REGISTRY anew
 *     schemagen --sql-job-states SCHEMAS  the job's transition table as SQL values
 *     schemagen --check-profile FILE    is it a sound profiles/book/<family>.json?
 */
#include <stdlib.h>
#include <string.h>

#include "schemas/gen/schemagen.h"

static void make_all(const char *schemas, const char *dir)
{
	struct model m = {0};

	model_read(&m, schemas);
	registry_check(&m, schemas, false);
	make_messages(&m, dir);
	make_errors(schemas, dir);
	make_config(schemas, dir);
	make_matrix(schemas, dir);
	make_job_states(&m, schemas, dir);
	make_routes(&m, schemas, dir);
	make_profiles(schemas, dir);
}

int main(int argc, char **argv)
{
	struct model m = {0};

	if (argc == 3 && strcmp(argv[1], "--registry") == 0) {
		model_read(&m, argv[2]);
		registry_check(&m, argv[2], true);
	} else if (argc == 3 && strcmp(argv[1], "--sql-job-states") == 0) {
		model_read(&m, argv[2]);
		print_sql_job_states(&m, argv[2]);
	} else if (argc == 3 && strcmp(argv[1], "--check-profile") == 0) {
		(void)check_profile(argv[2]);
	} else if (argc == 3) {
		make_all(argv[1], argv[2]);
	} else {
		(void)fputs("use: schemagen SCHEMAS OUTDIR | --registry SCHEMAS | --sql-job-states "
			    "SCHEMAS | --check-profile FILE\n",
			stderr);
		return 2;
	}
	return 0;
}
