/* replaced by the folder's first file */ typedef int komet_site_placeholder;
