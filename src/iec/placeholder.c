/* replaced by the folder's first file */ typedef int komet_iec_placeholder;
