/* Any text as site.yaml: it gives a site or faults with places, never both, and all memory comes back. */
#include "komet/assert.h"
#include "site/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char table[] = "name,type,address\nM.1,Di,1\n";
    const struct site_file files[] = {{"site.yaml", (const char *)data, size},
                                      {"rtu.csv", table, sizeof table - 1}};
    struct site_result result = site_read(files, 2, NULL);
    KOMET_ASSERT((result.site != NULL) == (result.fault_count == 0));
    for (size_t i = 0; i < result.fault_count; i++) {
        KOMET_ASSERT(result.faults[i].file != NULL && result.faults[i].what[0] != '\0');
    }
    site_result_release(&result);
    return 0;
}
