// SPDX-License-Identifier: Apache-2.0
/* Webhooks: their fixed token comes from a file or a prompt, never from a flag. */
#include <stdlib.h>
#include <string.h>

#include "services/cli/cli.h"

int run_hook_save(struct cli *c, const struct verb *v)
{
	json_t *more = json_object();
	int rc = 0;

	if (cli_flag(c, "secret-file") != NULL) {
		char *token = cli_secret(c, "secret", "", false);
		rc = token == NULL ? EXIT_USAGE : 0;
		if (token != NULL) {
			(void)json_object_set_new(more, "token", json_string(token));
			explicit_bzero(token, strlen(token));
		}
		free(token);
	}
	if (rc == 0)
		rc = verb_run_with(c, v, more);
	json_decref(more);
	return rc;
}
