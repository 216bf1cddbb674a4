// SPDX-License-Identifier: Apache-2.0
#pragma once

/* carnet-storage rebuild-catalogue MEDIUM KEK_FILE DATABASE [PASSPHRASE_FILE]. Its exit code: 0 all
 * of the medium is in the catalogue; 1 something of it is damaged or missing, the rest is; 2 it
 * could not be done. */
int rebuild_catalogue(int argc, char **argv);
