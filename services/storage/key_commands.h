// SPDX-License-Identifier: Apache-2.0
/* What an operator does with key files: carnet-storage make-keys, new-key, protect-key,
 * retire-keys. No service, no database. */
#pragma once

/* -1: argv is none of these; else the exit code. */
int key_command(int argc, char **argv);
