// SPDX-License-Identifier: Apache-2.0
#pragma once

/* carnet-storage keep-dump VAULT KEK_FILE SIGN_KEY_FILE [PASSPHRASE_FILE] < DUMP: what the vault
 * does not hold itself (fleet, tasks, people …) lies sealed beside the backups, as a chain of its
 * own: kind `catalogue` of the tenant. carnet-verify proves it and gives it back. */
int keep_dump(int argc, char **argv);
