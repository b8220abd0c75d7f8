/* replaced by the folder's first file */ typedef int komet_server_placeholder;
