// SPDX-License-Identifier: Apache-2.0
/* One setting's value; private to common/config. */
#pragma once

#include "common/config/config.h"

const struct config_key *config_key_find(const struct config_table *table, const char *name);
/* Checks and stores; `source` says where the text came from, for the fault. */
int config_set(const struct config_key *key, void *config, const char *text, const char *source,
	struct fault *reterr) must_check;
/* Refuses a secret in the environment; `environment` ends with NULL. */
int config_no_secrets(char **environment, struct fault *reterr) must_check;
void config_help(const struct config_table *table);
