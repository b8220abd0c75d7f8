/* Any octets as a table of tags: a site or faults; every tag of a site is found by its name. */
#include "komet/assert.h"
#include "site/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char yaml[] =
        "site: f\nprocesses:\n  SELF.KOM:\n    lines:\n      L.R:\n        hosts: [\"h:1\"]\n"
        "        stations:\n          B.R: {address: 1, tags: rtu.csv}\n";
    const struct site_file files[] = {{"site.yaml", yaml, sizeof yaml - 1},
                                      {"rtu.csv", (const char *)data, size}};
    struct site_result result = site_read(files, 2, NULL);
    KOMET_ASSERT((result.site != NULL) == (result.fault_count == 0));
    for (uint32_t i = 0; result.site != NULL && i < result.site->tag_count; i++) {
        KOMET_ASSERT(site_find_tag(result.site, result.site->tags[i]->name) == result.site->tags[i]);
        KOMET_ASSERT(tag_site_number(result.site->tags[i]) == i);
    }
    site_result_release(&result);
    return 0;
}
