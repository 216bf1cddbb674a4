// SPDX-License-Identifier: Apache-2.0
/* carnet apply -f FILE: read, compare, show, ask, do. */
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "services/cli/fleet.h"

static int ask(const struct cli *c)
{
	char line[16] = "";

	if (c->yes)
		return 0;
	if (isatty(STDIN_FILENO) == 0)
		return cli_fail(EXIT_USAGE, "nobody can be asked here: --yes applies it");
	(void)fprintf(stderr, "Apply this? Only 'yes' is taken: ");
	if (fgets(line, sizeof(line), stdin) == NULL || strcmp(line, "yes\n") != 0)
		return cli_fail(EXIT_REFUSED, "nothing was changed");
	return 0;
}

/* As it is said: the plan's exit code is 2 where there is something to do. */
static int show_and_do(struct fleet_source *s, struct fleet_plan *plan)
{
	fleet_show(s->cli, plan);
	if (plan->n == 0)
		return EXIT_DONE;
	if (s->cli->dry_run)
		return EXIT_CHANGES;
	int rc = ask(s->cli);
	return rc == 0 ? fleet_do(s, plan) : rc;
}

static int compare(struct fleet_source *s, struct fleet *want, struct fleet *have, bool prune)
{
	struct fleet_plan plan = {.n = 0};
	int rc;

	fleet_match(want, have);
	rc = fleet_check(s, want, have);
	if (rc == 0) {
		fleet_plan_make(want, have, prune, &plan);
		rc = fleet_check_server(s, &plan);
	}
	if (rc == 0)
		rc = show_and_do(s, &plan);
	fleet_plan_fini(&plan);
	return rc;
}

static char *folder_of(struct cli *c, const char *file)
{
	const char *given = cli_flag(c, "secrets");
	char *copy = mem_strdup(file);
	char *folder = mem_strdup(given != NULL ? given : dirname(copy));

	free(copy);
	return folder;
}

int run_fleet_apply(struct cli *c, const char *file)
{
	bool prune = cli_flag(c, "prune") != NULL;
	struct fleet_source s = {.cli = c, .file = file, .folder = folder_of(c, file)};
	struct fleet want = {0}, have = {0};
	struct arena arena;
	int rc;

	arena_init(&arena, 0);
	(void)cli_flag(c, "format");
	rc = c->n_args != 0 ? cli_fail(EXIT_USAGE, "apply takes a RUN or -f FILE, not both")
			    : cli_flags_done(c);
	if (rc == 0)
		rc = fleet_read_file(&s, &arena, &want);
	if (rc == 0)
		rc = fleet_read_state(c, &have);
	if (rc == 0)
		rc = compare(&s, &want, &have, prune);
	if (s.faults > 0)
		(void)cli_fail(0, "%s: %zu faults, nothing was changed", s.file, s.faults);
	fleet_fini(&want);
	fleet_fini(&have);
	arena_reset(&arena);
	free(s.folder);
	return rc;
}

void fleet_help(const struct verb *v)
{
	bool apply = strcmp(v->noun, "apply") == 0;

	if (!apply && v->run != run_fleet_export)
		return;
	(void)printf("Fleet as code: sites, devices, groups, credentials, tasks, windows and sets "
		     "as one "
		     "YAML or JSON file;\n"
		     "CSV has devices alone. A member that the file does not mention stays as it "
		     "is. Secrets stand in\n"
		     "files that it names (secret_file: JSON as carnet cred set takes it; "
		     "password_file: a line), of\n"
		     "its own folder or --secrets DIR; they are read when something is made.\n");
	if (apply)
		(void)printf(
			"  -f FILE    - is stdin; --format csv where the name does not say so\n"
			"  --dry-run  the plan alone: exit 0 nothing to do, 2 changes, 1 error\n"
			"  --prune    take away what the file's sections do not name (devices are "
			"retired)\n"
			"Exit of apply -f: 0 done or nothing to do, 1 error, 4 refused: somebody "
			"changed it meanwhile.\n");
}
